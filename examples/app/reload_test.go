package main_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A limit that is changed on disk is in force without a restart.
func TestServeReloads(t *testing.T) {
	t.Parallel()
	configs := t.TempDir()
	if err := os.CopyFS(configs, os.DirFS("../../configs")); err != nil {
		t.Fatal(err)
	}
	cmd, _, _ := command(t, []string{"CLAD_PROFILE=production"}, "-api", "127.0.0.1:0", "-bank", "127.0.0.1:0", "-configs", configs)
	stdout, out := pipe(t)
	stderr, errs := pipe(t)
	cmd.Stdout, cmd.Stderr = out, errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Close()
	errs.Close()
	url := regexp.MustCompile(`listens on (\S+),`).FindStringSubmatch(readUntil(t, stdout, "Ctrl-C stops"))[1] + "/payments/1"

	for range 2 {
		if status := get(t, url); status != http.StatusNotFound {
			t.Errorf("before: %d", status)
		}
	}
	name := filepath.Join(configs, "production.yaml")
	profile, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.NewReplacer("requests_per_second: 1000", "requests_per_second: 0.001", "burst: 100", "burst: 1").Replace(string(profile))
	if err := os.WriteFile(name, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
	readUntil(t, stderr, "changed=[rate_limiters.api-calls]")
	for _, want := range []int{http.StatusNotFound, http.StatusTooManyRequests} {
		if status := get(t, url); status != want {
			t.Errorf("after: %d; want %d", status, want)
		}
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, w
}

func get(t *testing.T, url string) int {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}
