// Command grpc-gateway is what a Go programmer would put in front of the blog service: grpc-gateway v2
// generated from the same contract, as its documentation shows it. A contender of `./inkmesh bench`.
package main

import (
	"context"
	"flag"
	"log"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"inkmesh/bench/grpc_gateway/blog"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "where REST is served")
	backend := flag.String("backend", "127.0.0.1:3002", "the blog service")
	flag.Parse()

	mux := runtime.NewServeMux()
	options := []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	if err := blog.RegisterBlogServiceHandlerFromEndpoint(context.Background(), mux, *backend, options); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(*listen, mux))
}
