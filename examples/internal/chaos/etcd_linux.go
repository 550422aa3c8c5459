package chaos

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"github.com/hostlife/hostlife/examples/internal/history"
	"github.com/hostlife/hostlife/examples/internal/procs"
)

const etcdNodes = 3

// An etcd is a cluster of three nodes, each a process.
type etcd struct {
	round  *round
	addrs  []string // for clients, HOST:PORT
	nodes  []*procs.Proc
	lives  int
	client *clientv3.Client
}

func (e *etcd) start() error {
	var ips, cluster []string
	for i := range etcdNodes {
		ips = append(ips, e.round.net.next())
		e.addrs = append(e.addrs, ips[i]+":2379")
		cluster = append(cluster, fmt.Sprintf("node-%d=http://%s:2380", i+1, ips[i]))
	}
	for i := range etcdNodes {
		if err := e.launch(i, "--initial-cluster", strings.Join(cluster, ","), "--listen-peer-urls", "http://"+ips[i]+":2380",
			"--initial-advertise-peer-urls", "http://"+ips[i]+":2380"); err != nil {
			return err
		}
	}
	var err error
	if e.client, err = clientv3.New(clientv3.Config{Endpoints: e.addrs, DialTimeout: 2 * time.Second, Logger: zap.NewNop()}); err != nil {
		return err
	}
	return e.round.until(startLimit, func() bool { return e.leader() >= 0 })
}

// launch starts a node. After its first start it needs no further settings.
func (e *etcd) launch(i int, settings ...string) error {
	e.lives++
	name := fmt.Sprintf("node-%d", i+1)
	client := "http://" + e.addrs[i]
	p, err := e.round.start(fmt.Sprintf("etcd-%d", e.lives), "etcd", "", append([]string{
		"--name", name, "--data-dir", filepath.Join(e.round.dir, name),
		"--listen-client-urls", client, "--advertise-client-urls", client, "--logger", "zap",
	}, settings...)...)
	if err != nil {
		return err
	}
	if i < len(e.nodes) {
		e.nodes[i] = p
	} else {
		e.nodes = append(e.nodes, p)
	}
	return nil
}

func (e *etcd) url(int) string { return "etcd://" + strings.Join(e.addrs, ",") }

func (e *etcd) close() {
	if e.client != nil {
		_ = e.client.Close()
	}
}

// leader returns the number of the node that leads, or -1.
func (e *etcd) leader() int {
	for i, addr := range e.addrs {
		ctx, cancel := context.WithTimeout(e.round.ctx, 300*time.Millisecond)
		status, err := e.client.Status(ctx, addr)
		cancel()
		if err == nil && status.Leader != 0 && status.Leader == status.Header.MemberId {
			return i
		}
	}
	return -1
}

var errNoLeader = errors.New("etcd has no leader")

// stopLeader stops the leader while f runs.
func (e *etcd) stopLeader(f func() error) error {
	i := e.leader()
	if i < 0 {
		return errNoLeader
	}
	return e.round.disturbs(history.Engine, "its leader is stopped", func() error {
		e.nodes[i].Signal(syscall.SIGSTOP)
		defer e.nodes[i].Signal(syscall.SIGCONT)
		return f()
	})
}

// killLeader kills the leader, and starts it again later.
func (e *etcd) killLeader(after time.Duration) error {
	i := e.leader()
	if i < 0 {
		return errNoLeader
	}
	return e.round.disturbs(history.Engine, "its leader is killed", func() error {
		e.nodes[i].Kill()
		e.round.pause(after)
		if err := e.launch(i); err != nil {
			return err
		}
		return e.round.until(startLimit, func() bool { return e.leader() >= 0 })
	})
}
