path "secret/data/myapp/*" {
  capabilities = ["create", "delete", "read", "update"]
}

path "secret/metadata/myapp/*" {
  capabilities = ["delete", "list", "patch", "read", "update"]
}

path "secret/undelete/myapp/*" {
  capabilities = ["update"]
}
