package gen_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The modules that tests make are in no workspace.
	if err := os.Setenv("GOWORK", "off"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}
