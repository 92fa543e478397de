
exception when others then
  raise warning 'aimq: table job % made no job of this change: % (%)', :'name', sqlerrm, sqlstate;
  return null;
