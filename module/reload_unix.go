//go:build unix

package module

import (
	"os"
	"os/signal"
	"syscall"
)

// hangups returns a channel of SIGHUPs, the signal that has daemons read their
// settings anew, and a function that gives the signal back its usual meaning.
// Several that come at once are one.
func hangups() (<-chan os.Signal, func()) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c, func() { signal.Stop(c) }
}
