package main_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The program is built and run, as a newcomer would.
var program string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "clad-app-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "app")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", program, ".").CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

// command is the program in the environment of a fresh machine.
func command(t *testing.T, environ []string, args ...string) (cmd *exec.Cmd, stdout, stderr *bytes.Buffer) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + t.TempDir()}, environ...)
	cmd.Dir = t.TempDir()
	stdout, stderr = &bytes.Buffer{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	return cmd, stdout, stderr
}

func run(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	cmd, out, errs := command(t, environ, args...)
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// The demo plays production whatever the environment says.
func TestDemo(t *testing.T) {
	t.Parallel()
	code, out, errs := run(t, []string{"CLAD_PROFILE=development"}, "-demo")
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, out, errs)
	}
	for _, want := range []string{"production", "RECOVERY_TIMEOUT=2s", " open ", " half-open ", "Each step went as told", "BUDGET=0.2", "All of it as told"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
}

func TestDemoThatGoesWrongExits1(t *testing.T) {
	t.Parallel()
	code, out, errs := run(t, []string{"CLAD__POLICIES__EXTERNAL_API__RETRY__MAX_ATTEMPTS=1"}, "-demo")
	if code != 1 || !strings.Contains(errs, "otherwise than told") {
		t.Errorf("exit code %d\n%s%s", code, out, errs)
	}
}

func TestHelpTeaches(t *testing.T) {
	code, _, errs := run(t, nil, "-h")
	for _, want := range []string{"go run ./examples/app", "-demo", "-configs", "CLAD_PROFILE", "DATABASE_URL", "BANK_URL", "Exit code"} {
		if code != 0 || !strings.Contains(errs, want) {
			t.Errorf("exit code %d, %q is not in\n%s", code, want, errs)
		}
	}
}

func TestMistakesOfTheUser(t *testing.T) {
	for name, test := range map[string]struct {
		environ, args []string
		code          int
		want          string
	}{
		"unknown flag":    {nil, []string{"-dmo"}, 2, "-dmo"},
		"an argument":     {nil, []string{"demo"}, 2, `unexpected argument "demo"`},
		"unknown profile": {[]string{"CLAD_PROFILE=prodction"}, nil, 1, "production"},
		"no configs":      {nil, []string{"-configs", "nowhere"}, 1, "nowhere"},
		"a wrong setting": {[]string{"CLAD__POLICIES__EXTERNAL_API__RETYR=3"}, nil, 1, "RETRY"},
		"ledger unknown":  {[]string{"DATABASE_URL=mysql://x"}, nil, 1, "want postgres://"},
		"bank unknown":    {[]string{"BANK_URL=bank:80"}, nil, 1, "BANK_URL"},
		"no such address": {nil, []string{"-api", "no-port"}, 1, "no-port"},
	} {
		code, out, errs := run(t, test.environ, test.args...)
		if code != test.code || !strings.Contains(errs, test.want) {
			t.Errorf("%s: exit code %d, %q is not in\n%s%s", name, code, test.want, out, errs)
		}
	}
}

var curl = regexp.MustCompile(`(?m)^curl .*$`)

// It serves on another port where its own is taken, prints three curl lines that
// work, and stops when it is told to.
func TestServe(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cmd, _, errs := command(t, []string{"CLAD_PROFILE=production"}, "-api", taken.Addr().String(), "-bank", "127.0.0.1:0")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	cmd.Stdout = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	writer.Close()
	out := readUntil(t, reader, "Ctrl-C stops")
	for _, want := range []string{taken.Addr().String() + " is taken", "production", "SQLite", "circuit_breaker(payment-service", "open 5s"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	lines := curl.FindAllString(out, -1)
	if len(lines) != 3 {
		t.Fatalf("%d curl lines in\n%s", len(lines), out)
	}
	if _, err := exec.LookPath("curl"); err == nil && runtime.GOOS != "windows" {
		for i, want := range []string{"201 Created", `"outage": true`, `"outage": false`} {
			got, err := exec.CommandContext(t.Context(), "sh", "-c", lines[i]).Output()
			if err != nil || !strings.Contains(string(got), want) {
				t.Errorf("%s: %v, %q is not in\n%s", lines[i], err, want, got)
			}
		}
	}
	health := regexp.MustCompile(`listens on (\S+),`).FindStringSubmatch(out)[1] + "/healthz"
	if res, err := http.Get(health); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%v, %v", res, err)
	} else {
		res.Body.Close()
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, errs)
	}
	left, err := os.ReadDir(strings.TrimPrefix(cmd.Env[1], "TMPDIR="))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func readUntil(t *testing.T, f *os.File, end string) string {
	t.Helper()
	if err := f.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	b := make([]byte, 4096)
	for !strings.Contains(out.String(), end) {
		n, err := f.Read(b)
		out.Write(b[:n])
		if err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
	}
	return out.String()
}
