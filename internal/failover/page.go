package failover

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

const page = "docs/failovers.md"

const head = `# Failovers

For how long callers see a failover: by way of a client as it is, and of the same client under clad, both at the same time at the same server. clad's policy is ` + "`Retry{MaxAttempts: 3}, CircuitBreaker{}, Timeout(1s)`" + `, all else at its defaults. It may be seen for 1.3 times as long as without clad, and half a second more: tests that start these servers hold that, in every run; since a busy machine disturbs what is measured, it is measured three times before a test fails. The figures are of one run on one machine.

Each client has two callers who write what may not be repeated and, but where reads go on, two who read; each calls again 10 ms after the call before. What they see lasts from the beginning of the first call that fails, or takes longer than half a second, to the end of the last. Each write has a name, so that one that has happened twice is seen; under clad there is none. *Lost* are writes that succeeded, and are gone: a replica that takes over may not have them yet.

A circuit breaker opens after five failures, is open for half a second, then for a quarter longer each time. So what it adds to an outage is half a second or a quarter of it. What it refuses fails at once, instead of waiting for a server that is not there; who calls again at once has more calls fail, and sooner. Write no ` + "`recovery_timeout`" + ` above that ([policies](policies.md)).

This page is written by tests (` + "`make clients`" + `).

| failover | client | bare | clad | failed calls: bare, clad | doubled: bare, clad | lost: bare, clad | server |
| --- | --- | --- | --- | --- | --- | --- | --- |
`

// record writes a line of the page, or looks whether it is there.
func record(t *testing.T, r Run, c Client, bare, guarded result) {
	t.Helper()
	pages.Lock()
	defer pages.Unlock()
	file := filepath.Join(root(t), page)
	old, err := os.ReadFile(file)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	if os.Getenv("CLAD_FAILOVERS") != "write" {
		if !strings.Contains(string(old), "\n"+key(r, c)) {
			t.Errorf("%s does not say (run make clients): %s, %v: bare %v, clad %v", page, r.Failover, c, bare, guarded)
		}
		return
	}
	if err := os.WriteFile(file, []byte(replace(string(old), key(r, c), line(r, c, version(t, c.Module), bare, guarded))), 0o644); err != nil {
		t.Fatal(err)
	}
}

var pages sync.Mutex

// key is how a line begins, up to the version of the client.
func key(r Run, c Client) string { return fmt.Sprintf("| %s | %v ", r.Failover, c) }

func line(r Run, c Client, version string, bare, guarded result) string {
	return fmt.Sprintf("%s%s | %.2f s | %.2f s | %d, %d | %d, %d | %d, %d | %s |", key(r, c), version, bare.outage.Seconds(), guarded.outage.Seconds(), bare.failed, guarded.failed,
		bare.doubled, guarded.doubled, bare.lost, guarded.lost, r.Server)
}

// replace returns the page with a line in the place of that of the same key.
func replace(old, key, line string) string {
	lines := []string{line}
	_, table, _ := strings.Cut(old, "\n| ---")
	for l := range strings.Lines(table) {
		if l = strings.TrimSpace(l); strings.HasPrefix(l, "| ") && !strings.HasPrefix(l, key) && !strings.HasPrefix(l, "| ---") {
			lines = append(lines, l)
		}
	}
	slices.Sort(lines)
	return head + strings.Join(lines, "\n") + "\n"
}

var major = regexp.MustCompile(`/v\d+$`)

// String returns the client's name in the page.
func (c Client) String() string {
	name := major.ReplaceAllString(strings.TrimPrefix(c.Module, "github.com/"), "")
	if c.Way != "" {
		name += " (" + c.Way + ")"
	}
	return name
}

// version returns which of a module's versions is tested: that of Go, where it is none.
func version(t *testing.T, module string) string {
	t.Helper()
	if !strings.Contains(module, ".") {
		return strings.TrimPrefix(Version(t, "go", "version"), "go")
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", module).Output()
	if err != nil {
		t.Fatalf("go list -m %s: %v", module, err)
	}
	return strings.TrimPrefix(strings.TrimSpace(string(out)), "v")
}

var number = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// Version returns the version that a program prints.
func Version(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v", program, strings.Join(args, " "), err)
	}
	return string(number.Find(out))
}

// root is the folder of the repository.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the folder of the repository was not found")
		}
		dir = filepath.Dir(dir)
	}
}
