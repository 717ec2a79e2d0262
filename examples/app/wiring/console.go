package wiring

import (
	"net/http"
	"strings"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/module"
)

// ConsolePath is where the API's listener serves the console.
const ConsolePath = "/console/"

// consolePage is the console, mounted. Where others can reach the API, it would go on
// a listener of its own, or behind whatever keeps strangers out.
type consolePage struct{ http.Handler }

func newConsole(o *container.Orchestrator, r *module.Reloader, s Settings) consolePage {
	opts := []console.Option{module.Console(r)}
	if s.Steer {
		opts = append(opts, console.AllowControls(console.Loopback))
	}
	return consolePage{http.StripPrefix(strings.TrimSuffix(ConsolePath, "/"), console.Handler(o, opts...))}
}
