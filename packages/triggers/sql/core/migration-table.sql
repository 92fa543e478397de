-- The ledger that all AIMQ packages share: which SQL of which package is installed.
create table aimq.migration (
  package text not null,
  name text not null,
  checksum text not null,
  applied_at timestamptz not null default clock_timestamp(),
  primary key (package, name)
);
comment on table aimq.migration is 'Which SQL of which AIMQ package is installed.';
