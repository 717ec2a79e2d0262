package gen_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cladgo/clad/cmd/clad/internal/gen"
)

// TestTheCompilerSaysThatAnInterfaceChanged: what it said before was about a type
// that nobody had written.
func TestTheCompilerSaysThatAnInterfaceChanged(t *testing.T) {
	dir := unpack(t, app)
	o := gen.Options{Dir: dir}
	expect(t, mustRun(t, o), "wrote clad_gen.go")
	name := filepath.Join(dir, "payments/payments.go")
	write(t, name, strings.Replace(read(t, name), "Close() error\n}", "Close() error\n\tCapture() error\n}", 1)+"\nfunc (*Stripe) Capture() error { return nil }\n")
	cmd := exec.CommandContext(t.Context(), "go", "build", "./...")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	lines := strings.Split(string(out), "\n")
	if err == nil || len(lines) < 2 || !strings.Contains(lines[1], "clad_gen.go:") || !strings.Contains(lines[1], "cannot use interface_changed_run_go_generate") || !strings.Contains(lines[1], "missing method Capture") {
		t.Errorf("the compiler says: %v\n%s", err, out)
	}
	expect(t, mustRun(t, o), "wrote clad_gen.go")
	compiles(t, dir)
}
