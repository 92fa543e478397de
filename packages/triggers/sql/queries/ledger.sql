select package, name, checksum from aimq.migration order by 1, 2
