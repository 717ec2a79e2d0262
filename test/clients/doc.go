// Package clients runs the clients that Go services use against real servers, has
// each of them meet trouble, and checks what clad makes of it. From what was seen
// it writes docs/clients.md:
//
//	go test ./... -update
//
// Without -update the page is compared with what was seen.
package clients

//go:generate go run -C ../../cmd/clad . gen ../../test/clients
