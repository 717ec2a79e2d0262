// Package test holds the tests that cross packages: of the direction of imports,
// of the state of the repository, and of clad against real servers.
package test
