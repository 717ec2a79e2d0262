package wiring

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/cladgo/clad/examples/app/api"
	"github.com/cladgo/clad/examples/app/bank"
	"go.uber.org/fx"
)

func serveAPI(lc fx.Lifecycle, down fx.Shutdowner, s Settings, a *api.API, c consolePage) {
	mux := http.NewServeMux()
	mux.Handle("/", a)
	mux.Handle(ConsolePath, c)
	serve(lc, down, s.API, mux)
}

func serveBank(lc fx.Lifecycle, down fx.Shutdowner, s Settings) {
	if s.Bank != nil {
		serve(lc, down, s.Bank, bank.New())
	}
}

// serve serves from OnStart to OnStop, which lets requests finish as long as its
// context lasts and leaves nothing running.
func serve(lc fx.Lifecycle, down fx.Shutdowner, l net.Listener, h http.Handler) {
	ctx, cancel := context.WithCancel(context.Background())
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stopped := make(chan struct{})
	lc.Append(fx.Hook{
		OnStart: func(context.Context) error {
			go func() {
				defer close(stopped)
				if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
					_ = down.Shutdown(fx.ExitCode(1)) // the listener broke
				}
			}()
			return nil
		},
		OnStop: func(stop context.Context) error {
			err := server.Shutdown(stop)
			cancel() // what did not finish in time is told to
			if err != nil {
				err = errors.Join(err, server.Close())
			}
			<-stopped
			return err
		},
	})
}
