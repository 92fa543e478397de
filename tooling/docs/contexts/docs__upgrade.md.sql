create schema aimq;
create table aimq.migration (package text, name text, checksum text, applied_at timestamptz);
