/** Why a file cannot be read, and what to do where that does not go without saying; by the code of the system. */
export const unreadable: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'may not be read by this user; let it with chmod or chown, or run this as a user who may',
  EISDIR: 'is a folder, expected a file',
}
