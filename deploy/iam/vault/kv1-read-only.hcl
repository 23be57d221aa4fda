path "secret/myapp/*" {
  capabilities = ["list", "read"]
}
