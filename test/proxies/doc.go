// Package proxies tests generated proxies on real clients, which clad itself does
// not depend on.
package proxies

//go:generate go run -C ../../cmd/clad . gen ../../test/proxies
