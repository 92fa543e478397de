select name, checksum from aimq.migration where package = '@aimq/triggers' order by name
