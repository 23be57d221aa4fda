path "secret/myapp/*" {
  capabilities = ["create", "delete", "list", "read", "update"]
}
