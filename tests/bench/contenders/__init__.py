"""What the gateway is compared with: each module makes one program that serves HTTP in front of the
same blog service, started by its caller."""
