package gen_test

import (
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	build, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		panic(err)
	}
	cache, err := os.MkdirTemp("", "clad-gen")
	if err != nil {
		panic(err)
	}
	for name, value := range map[string]string{
		"GOWORK":         "off", // the modules that tests make are in no workspace
		"GOCACHE":        strings.TrimSpace(string(build)),
		"XDG_CACHE_HOME": cache, // what runs find is not kept for ever
		"GOGC":           "400", // compilers live shortly: collecting is a quarter of their work
	} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	debug.SetGCPercent(400)
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(cache)
		os.Exit(code)
	}))
}
