package wiring_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/cladgo/clad/examples/app/wiring"
	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
)

// A payment that is under way when the service stops is made, and answered.
func TestRequestsFinishWhenTheServiceStops(t *testing.T) {
	r := start(t, unprotected())
	r.faults(`{"latency": "300ms"}`)
	answered := make(chan answer, 1)
	go func() {
		a, err := r.do(t.Context(), http.MethodPost, r.api+"/payments", "", order("100", "bank_transfer"))
		if err != nil {
			t.Error(err)
		}
		answered <- a
	}()
	for r.statement().Requests == 0 { // until it is at the bank
		// real time: a request is on its way through real sockets
		time.Sleep(time.Millisecond)
	}
	if err := r.app.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	if a := <-answered; a.status != 201 {
		t.Errorf("got %+v", a)
	}
}

func TestBrokenListenerEndsTheApplication(t *testing.T) {
	s := settings(t)
	r := startWith(t, s, unprotected())
	wait := r.app.Wait()
	s.API.Close()
	if signal := <-wait; signal.ExitCode != 1 {
		t.Errorf("exit code %d", signal.ExitCode)
	}
}

// What was opened is let go of when something cannot start.
func TestStartFailsWithoutItsLedger(t *testing.T) {
	s := settings(t)
	s.DatabaseURL = "postgres://nobody@127.0.0.1:1/nothing"
	app := fx.New(wiring.App(s, module.WithCatalog(unprotected())))
	if err := app.Start(t.Context()); err == nil {
		t.Error("want an error")
	}
}
