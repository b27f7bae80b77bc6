import express from "express";

const port = Number(process.env.PORT ?? 3000);
const app = express();

app.get("/", (_request, response) => {
  response.json({ hello: "from a Node multi-stage Docker build with Yarn!" });
});

const server = app.listen(port, () => console.log(`listening on ${port}`));

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => server.close());
}
