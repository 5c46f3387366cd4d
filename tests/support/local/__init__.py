"""The `./inkmesh` command, behind its bootstrap at the root: the mesh on this machine, for people."""
