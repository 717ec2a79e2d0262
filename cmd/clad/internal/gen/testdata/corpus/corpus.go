// Package corpus imports something of each module that TestCorpus is about, so
// that they are the direct requirements in go.mod.
package corpus

import (
	_ "github.com/aws/aws-sdk-go-v2/service/s3"
	_ "github.com/aws/smithy-go"
	_ "github.com/jackc/pgx/v5"
	_ "github.com/labstack/echo/v4"
	_ "github.com/nats-io/nats.go"
	_ "github.com/prometheus/client_golang/prometheus"
	_ "github.com/redis/go-redis/v9"
	_ "go.opentelemetry.io/otel"
	_ "go.opentelemetry.io/otel/sdk"
	_ "go.uber.org/zap"
	_ "google.golang.org/grpc"
	_ "gorm.io/gorm"
	_ "k8s.io/apimachinery/pkg/types"
	_ "k8s.io/client-go/rest"
)
