package engine

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hostlife/hostlife/contrib/hostredis"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// redisArgs has Redis keep all data in memory only. Members need no more of it.
func redisArgs(addr string) []string {
	host, port, _ := net.SplitHostPort(addr)
	return []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--loglevel", "warning"}
}

func pingRedis(ctx context.Context, addr string) error {
	c := Client(addr)
	defer func() { _ = c.Close() }()
	return c.Ping(ctx).Err()
}

// Client returns a client of a Redis.
func Client(addr string) *redis.Client {
	return redis.NewClient(&redis.Options{Addr: addr, ReadTimeout: 30 * time.Second})
}

func redisCPU(addr string) (time.Duration, error) {
	info, err := Info(addr)
	return time.Duration((info["used_cpu_user"] + info["used_cpu_sys"]) * 1e9), err
}

// Info returns the numbers that INFO of a Redis shows.
func Info(addr string) (map[string]float64, error) {
	c := Client(addr)
	defer func() { _ = c.Close() }()
	text, err := c.Info(context.Background()).Result()
	if err != nil {
		return nil, err
	}
	info := map[string]float64{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			info[name] = v
		}
	}
	return info, nil
}

// Memory returns the bytes that the keys of a Redis take, those of streams apart.
func Memory(addr string) (streams, others int64, err error) {
	c, ctx := Client(addr), context.Background()
	defer func() { _ = c.Close() }()
	keys, err := c.Keys(ctx, "*").Result()
	if err != nil {
		return 0, 0, err
	}
	for _, key := range keys {
		kind, err := c.Type(ctx, key).Result()
		if err != nil {
			return 0, 0, err
		}
		n, err := c.MemoryUsage(ctx, key, 0).Result()
		switch {
		case err != nil:
			return 0, 0, fmt.Errorf("%s: %w", key, err)
		case kind == "stream":
			streams += n
		default:
			others += n
		}
	}
	return streams, others, nil
}

func openRedis(addr string) (share.Store, func() error, error) {
	c := Client(addr)
	s, err := hostredis.New(hostredis.Config{Client: c})
	return s, c.Close, err
}
