//go:build !unix

package module

import "os"

// hangups returns a channel on which nothing comes: there is no such signal here.
func hangups() (<-chan os.Signal, func()) { return nil, func() {} }
