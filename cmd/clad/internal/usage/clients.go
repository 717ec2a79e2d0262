package usage

import (
	"slices"
	"strings"

	"github.com/cladgo/clad/internal/modulepath"
)

// A Client is a library whose errors clad knows, see docs/clients.md.
type Client struct {
	Name string // go-redis
	// Answers are the errors that mean that it worked and said no, by the names that
	// profiles may use.
	Answers []string
	// Unsaid are answers that nothing but a text tells, which may be anybody's: they
	// count where container.Answers, or a policy's errors, name them.
	Unsaid []string
	// Repeats says what it sends again by itself, as it comes; "" for nothing.
	Repeats string
	// Mend is the setting that turns this off, or "".
	Mend string

	modules  []string // import paths that its packages begin with, without the major version
	settings []string // that are named where somebody has decided about its own attempts
}

// clients are those that clad knows and that come with packages of their own. What
// they send again was measured: docs/clients.md says with which versions.
var clients = []*Client{
	{
		Name: "go-redis", modules: []string{"github.com/redis/go-redis", "github.com/go-redis/redis"},
		Answers: []string{"redis.Nil", "redis.TxFailedErr"},
		Repeats: "a command up to 4 times, INCR too", Mend: "MaxRetries: -1", settings: []string{"MaxRetries"},
	},
	{Name: "redigo", modules: []string{"github.com/gomodule/redigo"}, Answers: []string{"redis.Nil"}},
	{Name: "rueidis", modules: []string{"github.com/redis/rueidis"}, Answers: []string{"redis.Nil"}},
	{Name: "valkey-go", modules: []string{"github.com/valkey-io/valkey-go"}, Answers: []string{"redis.Nil"}},
	{
		Name: "pgx", modules: []string{"github.com/jackc/pgx", "github.com/jackc/pgconn"},
		Answers: []string{"pgx.ErrNoRows", "pg.UniqueViolation", "pg.ForeignKeyViolation", "pg.CheckViolation"},
		Unsaid:  []string{"pgx.ErrTooManyRows"},
	},
	{
		Name: "database/sql", modules: []string{"database/sql"},
		Answers: []string{"sql.ErrNoRows", "pg.UniqueViolation", "mysql.ER_DUP_ENTRY", "sqlite.SQLITE_CONSTRAINT"},
	},
	{
		Name: "the MongoDB driver", modules: []string{"go.mongodb.org/mongo-driver"},
		Answers: []string{"mongo.ErrNoDocuments", "mongo.DuplicateKey"}, Unsaid: []string{"mongo.ErrFileNotFound"},
		Repeats: "reads and single writes twice", Mend: "SetRetryReads(false) and SetRetryWrites(false)", settings: []string{"SetRetryReads", "SetRetryWrites"},
	},
	{Name: "gocql", modules: []string{"github.com/gocql/gocql", "github.com/apache/cassandra-gocql-driver"}, Answers: []string{"gocql.RequestErrAlreadyExists"}, Unsaid: []string{"gocql.ErrNotFound"}},
	{
		Name: "gomemcache", modules: []string{"github.com/bradfitz/gomemcache"},
		Answers: []string{"memcache.ErrCacheMiss", "memcache.ErrNotStored", "memcache.ErrCASConflict"},
	},
	{
		Name: "go-elasticsearch", modules: []string{"github.com/elastic/go-elasticsearch"},
		Answers: []string{"elasticsearch.NotFound", "elasticsearch.Conflict"},
		Repeats: "a request up to 4 times, without a pause", Mend: "DisableRetry: true", settings: []string{"DisableRetry", "MaxRetries"},
	},
	{
		Name: "the AWS SDK", modules: []string{"github.com/aws/aws-sdk-go-v2"},
		Answers: []string{"s3.NoSuchKey", "s3.NotFound", "dynamodb.ConditionalCheckFailedException", "sqs.QueueDoesNotExist"},
		Repeats: "a request up to 3 times", Mend: "Retryer: aws.NopRetryer{}",
		settings: []string{"NopRetryer", "Retryer", "RetryMaxAttempts", "WithRetryer", "WithRetryMaxAttempts"},
	},
	{
		Name: "nats.go", modules: []string{"github.com/nats-io/nats.go"},
		Answers: []string{"jetstream.ErrKeyNotFound", "jetstream.ErrKeyExists", "jetstream.ErrMsgNotFound", "nats.ErrKeyNotFound"},
		Repeats: "a JetStream publish that no stream takes up to 3 times", Mend: "jetstream.WithRetryAttempts(0) at each publish", settings: []string{"WithRetryAttempts", "RetryAttempts"},
	},
	{Name: "amqp091-go", modules: []string{"github.com/rabbitmq/amqp091-go"}, Answers: []string{"amqp.NotFound", "amqp.AccessRefused", "amqp.PreconditionFailed"}},
	{
		Name: "kafka-go", modules: []string{"github.com/segmentio/kafka-go"},
		Answers: []string{"kafka.TopicAlreadyExists", "kafka.TopicAuthorizationFailed"},
		Repeats: "a message up to 10 times", Mend: "MaxAttempts: 1", settings: []string{"MaxAttempts"},
	},
	{
		Name: "franz-go", modules: []string{"github.com/twmb/franz-go"},
		Answers: []string{"kerr.TopicAlreadyExists", "kerr.TopicAuthorizationFailed"},
		Repeats: "a record again and again, until its deadline", Mend: "kgo.RecordDeliveryTimeout, and no retry in the policy", settings: []string{"RecordDeliveryTimeout", "RecordRetries"},
	},
	{Name: "connect", modules: []string{"connectrpc.com/connect"}, Answers: []string{"connect.CodeNotFound", "connect.CodeAlreadyExists", "connect.CodeInvalidArgument"}},
	{Name: "grpc-go", modules: []string{"google.golang.org/grpc"}, Answers: []string{"grpc.NotFound", "grpc.AlreadyExists", "grpc.InvalidArgument"}},
}

// clientOf returns the client that a package belongs to, or nil.
func clientOf(importPath string) *Client {
	importPath = modulepath.WithoutMajor(importPath)
	for _, c := range clients {
		if slices.ContainsFunc(c.modules, func(module string) bool {
			rest, ok := strings.CutPrefix(importPath, module)
			return ok && (rest == "" || rest[0] == '/')
		}) {
			return c
		}
	}
	return nil
}

// Clients are all that are told by their packages.
func Clients() []*Client { return slices.Clone(clients) }
