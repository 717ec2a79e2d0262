package cladsql

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"reflect"
	"syscall"
)

// isTrouble reports whether an error tells of the way to a database: of the
// network, of time, of a protocol that was not kept to.
func isTrouble(err error) bool {
	for _, target := range []error{
		context.Canceled, context.DeadlineExceeded, os.ErrDeadlineExceeded,
		io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed,
	} {
		if errors.Is(err, target) {
			return true
		}
	}
	return walk(err, func(err error) bool {
		switch err.(type) { //nolint:errorlint // walk walks the tree
		case syscall.Errno, net.Error:
			return true
		}
		switch err.Error() {
		case "invalid connection", "malformed packet", "busy buffer", // go-sql-driver/mysql
			"commands out of sync. You can't run this command now",
			"commands out of sync. Did you run multiple statements at once?":
			return true
		}
		return isTLS(err)
	})
}

// isTLS reports whether an error is of crypto/tls or crypto/x509, known by the
// package of its type: those who need no TLS need not carry it.
func isTLS(err error) bool {
	path := typeOf(err).PkgPath()
	return path == "crypto/tls" || path == "crypto/x509"
}

// isUnverified reports whether a server's certificate could not be verified, which
// no other attempt can.
func isUnverified(err error) bool {
	return walk(err, func(err error) bool {
		t := typeOf(err)
		return t.PkgPath() == "crypto/x509" || t.String() == "tls.CertificateVerificationError"
	})
}

// typeOf returns the type of what is in an interface, or of what that points to.
func typeOf(v any) reflect.Type {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
