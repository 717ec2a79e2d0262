package verdict

import "io/fs"

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

		"crypto/tls.CertificateVerificationError": always(hopeless),
		"crypto/x509.UnknownAuthorityError":       always(hopeless),
		"crypto/x509.HostnameError":               always(hopeless),
		"crypto/x509.CertificateInvalidError":     always(hopeless),
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
