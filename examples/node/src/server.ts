import { fastify } from "fastify";

const server = fastify();
const port = Number(process.env.PORT ?? 3000);

server.get("/", async () => ({ hello: "from a Node multi-stage Docker build!" }));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void server.close());
}

await server.listen({ host: "0.0.0.0", port });
console.log(`listening on ${port}`);
