package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cladgo/clad/container"
	"github.com/cladgo/clad/container/console"
	"github.com/cladgo/clad/policy"
)

type lend func(context.Context) error

// bankDown is the console of an application whose bank is down.
func bankDown(t *testing.T, critical bool) (url string) {
	t.Helper()
	const service = "main.lend"
	c, err := container.New(policy.Catalog{
		Policies: map[string]policy.Policy{"bank": policy.CircuitBreaker{FailureThreshold: 2, RecoveryTimeout: time.Hour}},
		Services: map[string]policy.Service{service: {Policy: "bank", Critical: critical}},
	})
	if err != nil {
		t.Fatal(err)
	}
	down := func() lend { return func(context.Context) error { return errors.New("no route to \x1b[31mhost") } }
	if err := c.Provide(container.Tag(down, "bank")); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(console.Handler(c.Orchestrator()))
	t.Cleanup(func() { server.Close(); c.Orchestrator().Close() })
	err = c.Invoke(func(f lend) {
		for range 4 {
			_ = f(t.Context())
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return server.URL
}

func TestStatus(t *testing.T) {
	critical, other := bankDown(t, true), bankDown(t, false)
	for _, c := range []struct {
		args     []string
		code     int
		out, err string
	}{
		{[]string{critical}, failed, "CRITICAL main.lend is down: circuit breaker main.lend is open for ", ""},
		{[]string{other}, ok, "WARNING  circuit breaker main.lend is open for ", ""},
		{[]string{"-q", other}, ok, "", ""},
		{[]string{"-json", critical}, failed, `{"ready":false,"troubles":[{"critical":true,"text":"main.lend is down: `, ""},
		{[]string{"localhost:1"}, misuse, "", "clad status: the console at http://localhost:1: "},
		{nil, misuse, "", "takes one URL"},
		{[]string{"ftp://a"}, misuse, "", "begins with http:// or https://"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			code, out, err := clad(t, append([]string{"status"}, c.args...)...)
			if code != c.code || !strings.HasPrefix(out, c.out) || c.out == "" && out != "" || strings.Contains(out, "\x1b") {
				t.Errorf("exit code %d, want %d; it says\n%s", code, c.code, out)
			}
			said(t, "standard error", err, c.err)
		})
	}
}

func TestTopPrintsLinesWithoutATerminal(t *testing.T) {
	url := bankDown(t, true)
	code, out, err := clad(t, "top", "-n", "2", "-every", "100ms", url)
	if code != ok || err != "" || strings.Count(out, "NOT READY") != 2 || strings.Count(out, "\nmain.lend open") != 2 || strings.Contains(out, "\x1b") {
		t.Errorf("%d, %q\n%s", code, err, out)
	}
	code, out, _ = clad(t, "top", "-json", "-n", "1", url)
	var state console.State
	if wrong := json.Unmarshal([]byte(out), &state); code != ok || wrong != nil || len(state.Services) != 1 || strings.Count(out, "\n") != 1 {
		t.Errorf("%d, %v\n%s", code, wrong, out)
	}
	code, out, err = clad(t, "top", "-n", "1", "localhost:1")
	if code != misuse || out != "" || !strings.Contains(err, "localhost:1") {
		t.Errorf("%d, %q, %q", code, out, err)
	}
	for _, args := range []string{"top", "top a b", "top -sort size " + url, "top -every 1ms " + url, "top -color blue " + url} {
		if code, _, err := clad(t, strings.Fields(args)...); code != misuse || err == "" {
			t.Errorf("%s: %d, %s", args, code, err)
		}
	}
}

// The whole in a real terminal, as tmux has it: its size, keys, and that all is as it
// was afterwards.
func TestTopInATerminal(t *testing.T) {
	tmux, err := exec.LookPath("tmux")
	if err != nil {
		t.Skip(err)
	}
	tool := filepath.Join(t.TempDir(), "clad")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", tool, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	socket := "clad-test-" + strconv.Itoa(os.Getpid())
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), tmux, append([]string{"-u", "-L", socket, "-f", os.DevNull}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	shell := "echo before; " + tool + " top " + bankDown(t, true) + "; echo ended $?; exec sleep 60"
	run("new-session", "-d", "-x", "100", "-y", "20", "sh", "-c", shell)
	defer func() {
		_ = exec.Command(tmux, "-L", socket, "kill-server").Run()
	}()
	until := func(what string, shows func(string) bool) {
		t.Helper()
		var screen string
		for range 300 {
			if screen = run("capture-pane", "-p"); shows(screen) {
				return
			}
			time.Sleep(100 * time.Millisecond) // real time: another program draws
		}
		t.Fatalf("never %s:\n%s", what, screen)
	}
	has := func(texts ...string) func(string) bool {
		return func(screen string) bool {
			for _, text := range texts {
				if !strings.Contains(screen, text) {
					return false
				}
			}
			return true
		}
	}
	until("the outage", has("clad top  http://", "NOT READY", "CRITICAL main.lend is down", "main.lend open", "q quit   s sort: state"))
	run("send-keys", "s")
	until("sorted", has("s sort: rate"))
	run("send-keys", "Tab")
	until("totals", has("SINCE THE START", "FALLBACKS"))
	run("send-keys", "Tab")
	until("limits", has("main.lend breaker    open", "REJECTED"))
	run("send-keys", "Tab")
	until("what happens now", has("OPERATION", "FAIL/s"))
	run("send-keys", "/", "xyz")
	until("filtered", has("/xyz_", "none"))
	run("send-keys", "Enter")
	until("typed", has("/ filter: xyz"))
	run("send-keys", "Escape")
	until("all", has("main.lend open"))
	run("resize-window", "-x", "60", "-y", "12")
	until("smaller", func(screen string) bool {
		lines := strings.Split(strings.TrimRight(screen, "\n"), "\n")
		return len(lines) == 12 && strings.HasPrefix(lines[11], "q quit") && strings.Contains(screen, "\nOPERATION") && !strings.Contains(screen, "ACTIVE") // cut here, and not by the terminal
	})
	run("send-keys", "?")
	until("help", has("any key goes back"))
	run("send-keys", "q")
	until("as before", has("before", "ended 0"))
}
