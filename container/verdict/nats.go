package verdict

import (
	"strings"

	"github.com/cladgo/clad/policy"
)

// nats is NATS with JetStream, by nats.go and its package jetstream.
//
// What is published while the connection is away is buffered, and sent when it is
// back: a timeout says nothing of the effect.
var nats = client{
	types: map[string]func(error) Meaning{
		natsAPIError:      ofJetStream,
		jetstreamAPIError: ofJetStream,
		// What the client says itself; one that says what the server did wraps that.
		natsJSError:      func(err error) Meaning { return natsTexts[err.Error()] },
		jetstreamJSError: func(err error) Meaning { return natsTexts[err.Error()] },
		// What the server says as it ends a connection that is being made.
		natsProtoErr: func(err error) Meaning { return natsTexts[strings.ToLower(err.Error())] },
	},
	texts: natsTexts,
	names: map[string]func(error) bool{
		"nats.ErrAuthorization":        isNATS("nats: authorization violation", 0),
		"nats.ErrBucketNotFound":       isNATS("nats: bucket not found", 0),
		"nats.ErrConnectionClosed":     isNATS("nats: connection closed", 0),
		"nats.ErrKeyNotFound":          isNATS("nats: key not found", 0),
		"nats.ErrMaxPayload":           isNATS("nats: maximum payload exceeded", 0),
		"nats.ErrNoResponders":         isNATS("nats: no responders available for request", 0),
		"nats.ErrReconnectBufExceeded": isNATS("nats: outbound buffer limit exceeded", 0),
		"nats.ErrTimeout":              isNATS("nats: timeout", 0),

		"jetstream.ErrBucketNotFound":      isNATS("nats: bucket not found", 0),
		"jetstream.ErrConsumerNotFound":    isNATS("", 10014),
		"jetstream.ErrKeyDeleted":          isNATS("nats: key was deleted", 0),
		"jetstream.ErrKeyExists":           isNATS("nats: key exists", 10071),
		"jetstream.ErrKeyNotFound":         isNATS("nats: key not found", 0),
		"jetstream.ErrKeyRevisionMismatch": isNATS("nats: key revision mismatch", 0),
		"jetstream.ErrMsgNotFound":         isNATS("", 10037),
		"jetstream.ErrNoMessages":          isNATS("nats: no messages", 0),
		"jetstream.ErrNoStreamResponse":    isNATS("nats: no response from stream", 0),
		"jetstream.ErrObjectNotFound":      isNATS("nats: object not found", 0),
		"jetstream.ErrStreamNotFound":      isNATS("", 10059),
	},
}

const (
	natsAPIError      = "github.com/nats-io/nats.go.APIError"
	natsJSError       = "github.com/nats-io/nats.go.jsError"
	natsProtoErr      = "github.com/nats-io/nats.go.natsProtoErr"
	jetstreamAPIError = "github.com/nats-io/nats.go/jetstream.APIError"
	jetstreamJSError  = "github.com/nats-io/nats.go/jetstream.jsError"
)

// natsTexts are those of errors.New and of jsError alike.
var natsTexts = map[string]Meaning{
	"nats: no responders available for request":         unmade,
	"nats: no response from stream":                     unmade, // no responders, after the client's own retries
	"nats: outbound buffer limit exceeded":              unmade,
	"nats: connection reconnecting":                     unmade,
	"nats: no servers available for connection":         unmade,
	"nats: server maximum connections exceeded":         unmade,
	"nats: maximum connections exceeded":                unmade,
	"nats: maximum account active connections exceeded": unmade,
	"nats: secure connection required":                  hopeless,
	"nats: secure connection not available":             hopeless,

	"nats: timeout":                                                    failed,
	"nats: timeout waiting for ack":                                    failed,
	"nats: server is disconnected":                                     failed,
	"nats: stale connection":                                           failed,
	"nats: no heartbeat received":                                      failed,
	"nats: server shutdown":                                            failed,
	"nats: leadership change":                                          failed,
	"nats: Leadership Changed":                                         failed,
	"nats: disconnected during fetch":                                  failed,
	"nats: invalid jetstream publish response":                         failed,
	"nats: slow consumer, messages dropped":                            {Verdict: policy.Failed, Neutral: true},
	"nats: stalled with too many outstanding async published messages": waited,

	"nats: authorization violation":                 answered,
	"nats: authentication expired":                  answered,
	"nats: authentication revoked":                  answered,
	"nats: account authentication expired":          answered,
	"nats: permissions violation":                   answered,
	"nats: no messages":                             answered,
	"nats: key not found":                           answered,
	"nats: key was deleted":                         answered,
	"nats: key exists":                              answered,
	"nats: key revision mismatch":                   answered,
	"nats: no keys found":                           answered,
	"nats: bucket not found":                        answered,
	"nats: bucket name already in use":              answered,
	"nats: bucket not valid key-value store":        answered,
	"nats: object not found":                        answered,
	"nats: no objects found":                        answered,
	"nats: an object already exists with that name": answered,
	"nats: no stream matches subject":               answered,
	"nats: subject does not match consumer":         answered,
	"nats: consumer name already in use":            answered,
	"nats: consumer deleted":                        answered,
	"nats: consumer is not a pull consumer":         answered,
	"nats: consumer is not a push consumer":         answered,
	"nats: cannot update meta for a deleted object": answered,
	"nats: message deletion unsuccessful":           answered,

	"nats: maximum payload exceeded":                        refused,
	"nats: message size exceeds max bytes":                  refused,
	"nats: connection closed":                               mistaken, // while a request waits for its answer, too
	"nats: connection draining":                             refused,
	"nats: jetstream context closed":                        refused,
	"nats: messages iterator closed":                        refused,
	"nats: invalid connection":                              refused,
	"nats: invalid subscription":                            refused,
	"nats: invalid subject":                                 refused,
	"nats: invalid subject name":                            refused,
	"nats: invalid queue name":                              refused,
	"nats: invalid stream name":                             refused,
	"nats: invalid consumer name":                           refused,
	"nats: invalid key":                                     refused,
	"nats: invalid bucket name":                             refused,
	"nats: invalid object-store name":                       refused,
	"nats: invalid message or message nil":                  refused,
	"nats: invalid argument":                                refused,
	"nats: invalid context":                                 refused,
	"nats: invalid jetstream option":                        refused,
	"nats: timeout invalid":                                 refused,
	"nats: config required":                                 refused,
	"nats: stream name is required":                         refused,
	"nats: consumer name is required":                       refused,
	"nats: name is required":                                refused,
	"nats: context requires a deadline":                     refused,
	"nats: message does not have a reply":                   refused,
	"nats: message was already acknowledged":                refused,
	"nats: message is not bound to subscription/connection": refused,
	"nats: reply subject should be empty":                   refused,
	"nats: headers not supported by this server":            refused,
	"nats: history limited to a max of 64":                  refused,
	"nats: context and timeout can not both be set":         refused,
}

// ofJetStream says what the server's error means, by its HTTP-like code and the
// code of its own.
func ofJetStream(err error) Meaning {
	switch number(err, "ErrorCode") {
	case 10077: // it could not store the message
		if strings.Contains(text(err, "Description"), "per subject") {
			return answered
		}
		if strings.HasPrefix(text(err, "Description"), "maximum ") {
			return waited // for what consumers take out: the stream is full, and says so
		}
		return failed
	case 10039, 10076: // JetStream is not enabled
		return hopeless
	case 10008, 10009, 10023, 10028, 10047: // no leader or no resources, and nothing done
		return unmade
	}
	switch code := number(err, "Code"); {
	case code >= 500 || code == 408:
		return failed
	case code == 429:
		return unmade
	}
	return answered
}

// isNATS tells errors of either package, by their text or by the server's code.
func isNATS(text string, code int64) func(error) bool {
	return func(err error) bool {
		switch nameOfError(err) {
		case natsAPIError, jetstreamAPIError:
			return code != 0 && number(err, "ErrorCode") == code
		case natsJSError, jetstreamJSError, natsProtoErr, "errors.errorString":
			return text != "" && strings.EqualFold(err.Error(), text)
		}
		return false
	}
}
