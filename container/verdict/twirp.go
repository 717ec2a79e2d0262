package verdict

import "strings"

// twirp is github.com/twitchtv/twirp, whose codes are gRPC's and a few more. What a
// client met on its way to the server is wrapped, and counts.
var twirp = client{
	types:  map[string]func(error) Meaning{twirpError: ofTwirp},
	around: map[string]func(error, Meaning) Meaning{"github.com/twitchtv/twirp.wrappedErr": ofTwirpCause},
	names: map[string]func(error) bool{
		"twirp.NotFound":         isTwirp("not_found"),
		"twirp.AlreadyExists":    isTwirp("already_exists"),
		"twirp.PermissionDenied": isTwirp("permission_denied"),
		"twirp.Aborted":          isTwirp("aborted"),
	},
}

const twirpError = "github.com/twitchtv/twirp.twerr"

func ofTwirp(err error) Meaning {
	switch code := text(err, "code"); code {
	case "malformed", "bad_route":
		return answered
	default:
		return ofCodeInSnakeCase(code)
	}
}

func ofCodeInSnakeCase(code string) Meaning {
	for name, m := range ofCode {
		if strings.EqualFold(name, strings.ReplaceAll(code, "_", "")) {
			return m
		}
	}
	return failed
}

func ofTwirpCause(_ error, within Meaning) Meaning {
	if within == unknown {
		return failed
	}
	return within
}

func isTwirp(code string) func(error) bool {
	return func(err error) bool { return isType(err, twirpError) && text(err, "code") == code }
}
