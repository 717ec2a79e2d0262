package test

import (
	"bytes"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Files say nothing of the machine that they were written on: such a line works
// there only, or tells what is nobody's business.
func TestNoMachineNames(t *testing.T) {
	forbidden := machineNames(t)
	root := os.DirFS("..")
	walkSources(t, root, func(name string) {
		for _, f := range findMachineNames(name, readFile(t, root, name), forbidden) {
			t.Error(f)
		}
	})
}

// machinePath matches an absolute path into a folder of somebody's machine.
// "http://host/home/" and "./work/" are none.
var machinePath = regexp.MustCompile(`(?:^|[^\w./:-])/(?:tmp|root|work|home|Users|var/folders)/\w`)

// machineNames returns what no file may hold: the hosts that this machine gets
// its modules from, and the folders it works in.
func machineNames(t *testing.T) []string {
	t.Helper()
	var names []string
	goEnv := func(name string) string {
		out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	for proxy := range strings.FieldsFuncSeq(goEnv("GOPROXY"), func(r rune) bool { return r == ',' || r == '|' }) {
		u, err := url.Parse(proxy)
		if err != nil || u.Host == "" || u.Port() == "" && isLoopback(u.Hostname()) {
			continue // "direct" and "off", and what is every machine's own name
		}
		names = append(names, u.Host)
	}
	checkout, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{checkout, goEnv("GOMODCACHE"), goEnv("GOCACHE")} {
		// One element alone, such as /app, is also a likely route of a server.
		if strings.Count(filepath.ToSlash(dir), "/") > 1 {
			names = append(names, dir)
		}
	}
	return names
}

func isLoopback(host string) bool {
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host)
}

func findMachineNames(name string, data []byte, forbidden []string) []finding {
	if bytes.IndexByte(data, 0) >= 0 {
		return nil // an image
	}
	var found []finding
	for n, line := range strings.Split(string(data), "\n") {
		if machinePath.MatchString(line) {
			found = append(found, finding{name, n + 1, "holds a path of somebody's machine: " + strings.TrimSpace(line)})
		}
		for _, word := range forbidden {
			if strings.Contains(line, word) {
				found = append(found, finding{name, n + 1, "names " + word + ", which is this machine's"})
			}
		}
	}
	return found
}

// Each line of the fixtures that ends in "// found" is found, and no other.
func TestHygieneChecksFindWhatTheyLookFor(t *testing.T) {
	tree := os.DirFS("testdata/hygiene")
	sleeps := findRealSleeps(t, tree)
	walkSources(t, tree, func(name string) {
		data := readFile(t, tree, name)
		lines := map[int]bool{}
		for _, f := range append(findMachineNames(name, data, []string{"mirror.example.com"}), sleeps...) {
			if f.file == name {
				lines[f.line] = true
			}
		}
		for n, line := range strings.Split(string(data), "\n") {
			if want := strings.HasSuffix(line, "// found"); want != lines[n+1] {
				t.Errorf("%s:%d: found: %v, want %v: %s", name, n+1, lines[n+1], want, line)
			}
		}
	})
}
