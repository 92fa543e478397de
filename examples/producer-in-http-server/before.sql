create table orders (id int generated always as identity primary key, item text not null);
create table stock (item text primary key, pieces int not null check (pieces >= 0));
insert into stock values ('book', 1);
