package engine

import (
	"context"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/hostlife/hostlife/contrib/hostetcd"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// etcdArgs are those of one server. It writes each change to its disk.
func etcdArgs(addr, peer string) []string {
	client, other := "http://"+addr, "http://"+peer
	return []string{
		"--name", "benchmark", "--data-dir", "data", "--log-level", "error", "--logger", "zap",
		"--quota-backend-bytes", "8589934592",
		"--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", other, "--initial-advertise-peer-urls", other,
		"--initial-cluster", "benchmark=" + other,
	}
}

func etcdClient(addr string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints: []string{addr}, DialTimeout: 5 * time.Second, Logger: zap.NewNop(),
	})
}

func pingEtcd(ctx context.Context, addr string) error {
	c, err := etcdClient(addr)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err = c.Get(ctx, "ping")
	return err
}

func openEtcd(addr string) (share.Store, func() error, error) {
	c, err := etcdClient(addr)
	if err != nil {
		return nil, nil, err
	}
	s, err := hostetcd.New(hostetcd.Config{Client: c})
	return s, c.Close, err
}

// Size returns the bytes of the database of an etcd.
func Size(addr string) (int64, error) {
	c, err := etcdClient(addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	s, err := c.Status(context.Background(), addr)
	if err != nil {
		return 0, err
	}
	return s.DbSize, nil
}
