// Command clad is the tool of clad. `clad help` lists what it can do.
package main

import (
	"context"
	"os"
	"os/signal"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] != topCommand.name { // which may run for days
		collectLater()
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
