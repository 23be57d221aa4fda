// A Kubernetes API server and the etcd that it keeps its objects in, as one program for tests.
//
//	kube-apiserver DIRECTORY [FLAG…]
//
// The flags are kube-apiserver's own, but for the address of etcd, which is known here: a socket
// in DIRECTORY. Nothing of either is changed. What etcd writes goes to DIRECTORY, too, and is
// not waited for: it need not outlast the machine.
package main

import (
	"fmt"
	"net/url"
	"os"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"k8s.io/component-base/cli"
	"k8s.io/kubernetes/cmd/kube-apiserver/app"
)

const patience = 60 * time.Second

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: kube-apiserver DIRECTORY [FLAG…]")
		os.Exit(2)
	}
	directory := os.Args[1]
	address, err := startEtcd(directory)
	if err != nil {
		fmt.Fprintln(os.Stderr, "etcd:", err)
		os.Exit(1)
	}
	command := app.NewAPIServerCommand()
	command.SetArgs(append([]string{"--etcd-servers=" + address}, os.Args[2:]...))
	os.Exit(cli.Run(command))
}

// startEtcd starts one member and returns the address that clients of it use. It ends with the
// process.
func startEtcd(directory string) (string, error) {
	// Where other members would come to: there are none. Any free port, and a socket cannot be
	// advertised.
	nobody := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	// Relative to the working directory: the path of a socket has to be short (unix(7)).
	clients := url.URL{Scheme: "unix", Host: "etcd.sock"}
	if err := os.Chdir(directory); err != nil {
		return "", err
	}
	config := embed.NewConfig()
	config.Dir = "etcd"
	config.ListenPeerUrls = nobody
	config.AdvertisePeerUrls = nobody
	config.ListenClientUrls = []url.URL{clients}
	config.AdvertiseClientUrls = nobody
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.UnsafeNoFsync = true
	config.LogLevel = "error"
	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return "", err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return clients.String(), nil
	case err := <-etcd.Err():
		return "", err
	case <-time.After(patience):
		etcd.Close()
		return "", fmt.Errorf("not ready after %s", patience)
	}
}
