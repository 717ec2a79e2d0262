package verdict

import (
	"reflect"
	"strings"
)

// redisError is what go-redis gives to each reply that is an error.
type redisError interface{ RedisError() }

// redis is Redis and Valkey, by go-redis, redigo, rueidis and valkey-go. What the
// server says is told by its first word, which is the same to all clients.
var redis = client{
	types: map[string]func(error) Meaning{
		"github.com/gomodule/redigo/redis.Error":     ofRedis,
		"github.com/redis/rueidis.RedisError":        ofRedis,
		"github.com/valkey-io/valkey-go.ValkeyError": ofRedis,
	},
	methods: []method{{reflect.TypeFor[redisError](), ofRedis}},
	texts: map[string]Meaning{
		"redis: client is closed":                              refused,
		"redis: connection pool timeout":                       waited, // all of its own connections are taken
		"redis: connection pool exhausted":                     waited,
		"redis: all ring shards are down":                      unmade,
		"redigo: nil returned":                                 answered,
		"redigo: connection pool exhausted":                    waited,
		"redigo: get on closed pool":                           refused,
		"redigo: connection closed":                            refused,
		"redigo: closed":                                       refused,
		"rueidis client is closing or unable to connect redis": failed,
		"valkey client is closing or unable to connect valkey": failed,
	},
	beginnings: map[string]Meaning{
		"redis: all sentinels specified in configuration are unreachable": unmade, // and so there was no connection
	},
	names: map[string]func(error) bool{
		"redis.Nil": func(err error) bool {
			switch nameOfError(err) {
			case "errors.errorString":
				return err.Error() == "redigo: nil returned"
			case "github.com/redis/rueidis.RedisError":
				return err.Error() == "redis nil message"
			case "github.com/valkey-io/valkey-go.ValkeyError":
				return err.Error() == "valkey nil message"
			}
			return isRedis(err, "redis: nil")
		},
		"redis.TxFailedErr": func(err error) bool { return isRedis(err, "redis: transaction failed") },
	},
}

// isRedis tells go-redis' errors by their text.
func isRedis(err error, text string) bool {
	_, ok := err.(redisError)
	return ok && err.Error() == text
}

// ofRedis says what a reply of the server means.
func ofRedis(err error) Meaning {
	reply := err.Error()
	if reply == "ERR max number of clients reached" {
		return unmade
	}
	word, more, _ := strings.Cut(reply, " ")
	switch word {
	case "READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOREPLICAS", "MISCONF", "MOVED", "ASK",
		"UNBLOCKED", // what waited for a list, of a master that is one no more
		"EXECABORT": // which hides why: each of the others, in a transaction
		return unmade
	case "BUSY", "TRYAGAIN": // which scripts say of things of their own, after they have run
		if strings.Contains(more, " is busy running a ") || more == "Multiple keys request during rehashing of slot" {
			return unmade
		}
	case "OOM": // of writes only, and reads go on
		return refused
	}
	return answered // nil, WRONGTYPE, NOSCRIPT, NOAUTH, NOPERM, a script's own errors
}
