package verdict

import "strings"

// amqp is AMQP 0-9-1 (RabbitMQ), by amqp091-go and its forerunner: what a channel or
// a connection was closed with, by its code. Each such error ends the channel, also
// for those who share it.
var amqp = client{
	types: map[string]func(error) Meaning{
		amqpError:                         ofAMQP,
		"github.com/streadway/amqp.Error": ofAMQP,
	},
	texts: map[string]Meaning{
		"AMQP scheme must be either 'amqp://' or 'amqps://'": refused,
	},
	beginnings: map[string]Meaning{
		"amqp: Qos values must be ": refused,
		"amqp: shortstr ":           refused,
	},
	names: map[string]func(error) bool{
		"amqp.AccessRefused":      isAMQP(403),
		"amqp.NotFound":           isAMQP(404),
		"amqp.ResourceLocked":     isAMQP(405),
		"amqp.PreconditionFailed": isAMQP(406),
		"amqp.ConnectionForced":   isAMQP(320),
		"amqp.NotAllowed":         isAMQP(530),
		"amqp.ErrClosed":          isAMQP(504),
	},
}

const amqpError = "github.com/rabbitmq/amqp091-go.Error"

func ofAMQP(err error) Meaning {
	server := fieldOf(err, "Server")
	byServer := server.IsValid() && server.Bool()
	switch number(err, "Code") {
	case 311, 312, 313, // too large, no route, no consumers
		402, 403, 404, 405, 406, // no such host, refused, not found, locked, differs
		540: // not implemented
		return answered
	case 502: // a value that cannot be written
		if !byServer {
			return refused
		}
		return answered
	case 530:
		if strings.Contains(text(err, "Reason"), "limit") { // of connections or channels
			return unmade
		}
		return answered
	}
	// 320 forced, 501 broken off, 506 and 541 the broker's own trouble; and 504, not
	// open, which does not tell a connection that was closed from one that was lost,
	// nor what was under way from what was never sent.
	return failed
}

func isAMQP(code int64) func(error) bool {
	return func(err error) bool {
		return (isType(err, amqpError) || isType(err, "github.com/streadway/amqp.Error")) && number(err, "Code") == code
	}
}
