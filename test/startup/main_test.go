package main

import (
	"bytes"
	"os"
	"testing"

	"github.com/cladgo/clad/module"
	"go.uber.org/fx"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.Cleanup(os.Exit)) }

// Tags in package variables once looked for proxies that were not registered
// yet, and so did an application in one.
func TestTheApplicationStarts(t *testing.T) {
	for range 2 { // the options are good for more than one application
		var out bytes.Buffer
		if err := run(&out); err != nil {
			t.Fatal(err)
		}
		if want := "receipt 7 [session exchange] 1\n"; out.String() != want {
			t.Errorf("it says %q, want %q", out.String(), want)
		}
	}
}

func TestTheApplicationIsValid(t *testing.T) {
	if err := fx.ValidateApp(App); err != nil {
		t.Error(err)
	}
	if err := module.Validate(App); err != nil {
		t.Error(err)
	}
}
