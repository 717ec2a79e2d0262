package verdict

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
)

// standard is the standard library. What most programs do not need is told by its
// name, not imported for it.
var standard = client{
	types: map[string]func(error) Meaning{
		"net.OpError": func(err error) Meaning {
			switch text(err, "Op") {
			case "dial", "socks connect":
				return unmade // there was no connection to send anything on
			}
			return unknown
		},
		"net.DNSError": always(unmade),

		"io/fs.PathError": ofFile,
		"os.LinkError":    ofFile,

		"crypto/tls.CertificateVerificationError": always(hopeless),
		"crypto/x509.UnknownAuthorityError":       always(hopeless),
		"crypto/x509.HostnameError":               always(hopeless),
		"crypto/x509.CertificateInvalidError":     always(hopeless),
		"crypto/tls.alert":                        ofTLSAlert,
		"crypto/tls.AlertError":                   ofTLSAlert,
	},
	texts: map[string]Meaning{
		"sql: no rows in result set": answered,
	},
	values: map[error]Meaning{
		fs.ErrNotExist:   answered,
		fs.ErrExist:      answered,
		fs.ErrPermission: answered,
	},
	names: map[string]func(error) bool{
		"sql.ErrNoRows":    isText("sql: no rows in result set"),
		"fs.ErrNotExist":   isValue(fs.ErrNotExist),
		"fs.ErrExist":      isValue(fs.ErrExist),
		"fs.ErrPermission": isValue(fs.ErrPermission),
	},
}

// ofFile knows what an operating system answers, by numbers that in errors of networks
// mean something else.
func ofFile(err error) Meaning {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrPermission) {
		return answered
	}
	return unknown
}

// ofTLSAlert knows what one side says of the other's certificate, or of what they do
// not have in common: that is before anything is done, though with TLS 1.3 the client
// may have sent it.
func ofTLSAlert(err error) Meaning {
	if slices.Contains(tlsRefusals, numberIn(reflect.ValueOf(err))) {
		return hopeless
	}
	return unknown
}

var tlsRefusals = []int64{
	40, 42, 43, 44, 45, 46, 48, 49, // handshake failed; certificate bad, unsupported, revoked, expired, unknown; its authority unknown; access denied
	70, 71, 86, // versions, ciphers, a fallback
	112, 116, 120, 121, // name, no certificate, protocol, encrypted hello
}
