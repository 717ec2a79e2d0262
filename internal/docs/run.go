package docs

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// test runs the tests and examples of a folder.
func (w *workspace) test(ctx context.Context, dir string) error {
	out, err := w.command(ctx, filepath.Join(w.dir, dir), "go", "test", "-count=1", ".").CombinedOutput()
	if err != nil {
		return fmt.Errorf("its tests fail:\n%s", bytes.ReplaceAll(out, []byte(pageRoot), nil))
	}
	return nil
}

// run runs the program in a folder and returns what it prints.
func (w *workspace) run(ctx context.Context, dir string, serves bool) (string, error) {
	program := filepath.Join(w.dir, "bin", dir)
	dir = filepath.Join(w.dir, dir)
	// What debuggers need takes as long to link as the rest.
	if out, err := w.command(ctx, dir, "go", "build", "-ldflags=-s -w", "-o", program, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("it does not build: %w\n%s", err, out)
	}
	if serves {
		return w.serve(ctx, dir, program)
	}
	return w.finish(ctx, dir, program)
}

// runTime is how long a program may take, once it is built. It is generous: only
// a program that should have been marked as a server reaches it.
const runTime = 2 * time.Minute

// finish runs a command that must end by itself, with success.
func (w *workspace) finish(ctx context.Context, dir, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, runTime)
	defer cancel()
	out, err := w.command(ctx, dir, name, args...).Output()
	if err != nil {
		if ctx.Err() != nil {
			err = fmt.Errorf("it has not ended within %v; mark a program that runs until it is interrupted with <!-- docs: serve -->", runTime)
		}
		return string(out), fmt.Errorf("it fails: %w\n%s", withStderr(err), out)
	}
	return string(out), nil
}

// serve runs a program that must stay up until it is interrupted. It may then end
// with success, or by the interrupt as programs do that don't ask for it.
func (w *workspace) serve(ctx context.Context, dir, program string) (string, error) {
	cmd := w.command(ctx, dir, program)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return "", err
	}
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = cmd.Wait()
	}()

	select {
	case <-ended:
		return stdout.String(), fmt.Errorf("it is marked as a server and ends at once, with %v\n%s%s", cmd.ProcessState, &stderr, &stdout)
	case <-time.After(startTime):
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		return "", err
	}
	if <-ended; err != nil && !interrupted(cmd) {
		return stdout.String(), fmt.Errorf("it does not end well when interrupted: %w\n%s%s", err, &stderr, &stdout)
	}
	return stdout.String(), nil
}

func interrupted(cmd *exec.Cmd) bool {
	status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGINT
}

// startTime is how long a server is let run: long enough to fail at its start.
const startTime = 2 * time.Second
