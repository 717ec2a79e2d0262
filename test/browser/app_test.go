package browser

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// app is the example, as a program that runs.
type app struct{ api, bank, console string }

// startApp builds and starts the example.
func startApp(t *testing.T, environ ...string) app {
	t.Helper()
	_, err := chromium()
	need(t, err)
	program := filepath.Join(t.TempDir(), "app")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Dir = filepath.Join("..", "..", "examples", "app")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(program, "-api", "127.0.0.1:0", "-bank", "127.0.0.1:0", "-configs", filepath.Join("..", "..", "configs"))
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir()}, environ...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var a app
	lines := bufio.NewScanner(out)
	for a.console == "" && lines.Scan() {
		line := lines.Text()
		if rest, ok := strings.CutPrefix(line, "The payment service listens on "); ok {
			var bank string
			a.api, bank, _ = strings.Cut(rest, ", its bank is at ")
			a.bank = strings.TrimSuffix(bank, ".")
		}
		if rest, ok := strings.CutPrefix(line, "Console: "); ok {
			a.console = rest
		}
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() {
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-drained
		if err := cmd.Wait(); err != nil {
			t.Errorf("with pages open, the application did not stop well: %v", err)
		}
	})
	if a.console == "" {
		t.Fatal("the example does not say where its console is")
	}
	return a
}

func ask(t *testing.T, method, address, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
}

// customers pay, from time to time, until the test ends.
func (a app) customers(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			r, _ := http.NewRequestWithContext(ctx, http.MethodPost, a.api+"/payments", strings.NewReader(`{"amount": 125.00, "currency": "EUR", "method": "credit_card"}`))
			if answer, err := http.DefaultClient.Do(r); err == nil {
				answer.Body.Close()
			}
			select { // real time: customers of a real program
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}
