package stores

import (
	"context"
	"strings"

	"github.com/redis/go-redis/v9"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/examples/internal/schedulerd"
)

const scanned = 1000 // keys of Redis that one call looks at

// Clear deletes all keys of a table.
func (Engines) Clear(ctx context.Context, t schedulerd.Table) error {
	if addrs, ok := strings.CutPrefix(t.URL, "etcd://"); ok {
		return clearEtcd(ctx, t, addrs)
	}
	options, err := redisOptions(t)
	if err != nil {
		return err
	}
	client := redis.NewClient(options)
	defer func() { _ = client.Close() }()
	return clearRedis(ctx, client, t.Namespace)
}

// clearRedis deletes the keys of package hostredis: {NAMESPACE}:m and so on.
func clearRedis(ctx context.Context, client *redis.Client, namespace string) error {
	for cursor := uint64(0); ; {
		keys, next, err := client.Scan(ctx, cursor, "{"+namespace+"}:*", scanned).Result()
		if err == nil && len(keys) > 0 {
			err = client.Unlink(ctx, keys...).Err()
		}
		if err != nil || next == 0 {
			return err
		}
		cursor = next
	}
}

// clearEtcd deletes the keys of package hostetcd: NAMESPACE/last and so on.
func clearEtcd(ctx context.Context, t schedulerd.Table, endpoints string) error {
	client, err := etcdClient(t, endpoints)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	_, err = client.Delete(ctx, t.Namespace+"/", clientv3.WithPrefix())
	return err
}
