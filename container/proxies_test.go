package container_test

func registerProxies() {}
