package test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"slices"
	"testing"
)

// go.work names every module, so that `go run ./examples/app` and editors see
// them all; internal/lint stays out, for the reason that go.work gives.
func TestWorkspaceListsEveryModule(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "work", "edit", "-json", "../go.work").Output()
	if err != nil {
		t.Fatal(err)
	}
	var workspace struct{ Use []struct{ DiskPath string } }
	if err := json.Unmarshal(out, &workspace); err != nil {
		t.Fatal(err)
	}
	var listed, found []string
	for _, use := range workspace.Use {
		listed = append(listed, path.Clean(use.DiskPath))
	}
	walkSources(t, os.DirFS(".."), func(name string) {
		if path.Base(name) == "go.mod" && path.Dir(name) != "internal/lint" {
			found = append(found, path.Dir(name))
		}
	})
	slices.Sort(listed)
	slices.Sort(found)
	if !slices.Equal(listed, found) {
		t.Errorf("go.work lists %q, the repository holds %q; run make tidy", listed, found)
	}
}
