package gen_test

import (
	"os"
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{
		"GOWORK": "off", // the modules that tests make are in no workspace
		"GOGC":   "400", // compilers live shortly: collecting is a quarter of their work
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	debug.SetGCPercent(400)
	goleak.VerifyTestMain(m)
}
