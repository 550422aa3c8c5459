package hostetcd_test

import (
	"context"
	"log"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hostlife/hostlife/contrib/hostetcd"
	"github.com/hostlife/hostlife/contrib/hostetcd/embedded"
	"github.com/hostlife/hostlife/hostmgr"
	"github.com/hostlife/hostlife/hostmgr/share"
)

// A Peer is the metadata of a host.
type Peer struct{ Address string }

// A scheduler shares its hosts with others, through an etcd cluster that is there.
func Example() {
	client, err := clientv3.New(clientv3.Config{
		Endpoints:         []string{"10.0.0.1:2379", "10.0.0.2:2379", "10.0.0.3:2379"},
		DialKeepAliveTime: 5 * time.Second, DialKeepAliveTimeout: 5 * time.Second,
	})
	if err != nil {
		log.Fatal(err)
	}
	store, err := hostetcd.New(hostetcd.Config{Client: client, Namespace: "schedulers"})
	if err != nil {
		log.Fatal(err)
	}
	hosts, err := hostmgr.New(hostmgr.Config[Peer]{})
	if err != nil {
		log.Fatal(err)
	}
	member, err := share.New(share.Config[Peer]{Registry: hosts, Store: store})
	if err != nil {
		log.Fatal(err)
	}
	go hosts.Run(context.Background())
	go member.Run(context.Background())
}

// A scheduler runs one of the three servers itself.
func Example_embedded() {
	server, err := embedded.Start(context.Background(), embedded.Config{
		Name: os.Getenv("NAME"), // a, b or c
		Dir:  "/var/lib/scheduler/etcd", Listen: "127.0.0.1:2379",
		Cluster: map[string]string{"a": "10.0.0.1:2380", "b": "10.0.0.2:2380", "c": "10.0.0.3:2380"},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer server.Close()
	store, err := hostetcd.New(hostetcd.Config{Client: server.Client()})
	if err != nil {
		log.Fatal(err)
	}
	_ = store // for share.Config
}
