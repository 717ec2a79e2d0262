// Package regular reads files whose place anything may have taken: a pipe that
// nobody writes to, a device without end, a file of gigabytes.
package regular

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// ErrNotRegular is what is wrong with a directory, a pipe, a device or a socket
// in the place of a file.
var ErrNotRegular = errors.New("it is not a regular file")

// ReadFile reads a file of at most limit bytes. Errors are *fs.PathError. It
// can't help to open what a file system without fs.StatFS has there.
func ReadFile(fsys fs.FS, name string, limit int64) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		if at := (*fs.PathError)(nil); errors.As(err, &at) {
			return nil, err
		}
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	// To open a pipe waits for somebody who writes, so this comes first.
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return fail(err)
	}
	if err := check(info); err != nil {
		return fail(err)
	}
	file, err := fsys.Open(name)
	if err != nil {
		return fail(err)
	}
	defer func() { _ = file.Close() }()
	if info, err = file.Stat(); err == nil {
		err = check(info) // it may be another by now
	}
	if err != nil {
		return fail(err)
	}
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it is larger than %d KiB", limit>>10)
	}
	if err != nil {
		return fail(err)
	}
	return text, nil
}

func check(info fs.FileInfo) error {
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		return fmt.Errorf("%w but a directory", ErrNotRegular)
	case mode&fs.ModeNamedPipe != 0:
		return fmt.Errorf("%w but a pipe", ErrNotRegular)
	case mode&fs.ModeDevice != 0:
		return fmt.Errorf("%w but a device", ErrNotRegular)
	case mode&fs.ModeSocket != 0:
		return fmt.Errorf("%w but a socket", ErrNotRegular)
	default:
		return fmt.Errorf("%w (%v)", ErrNotRegular, mode.Type())
	}
}
