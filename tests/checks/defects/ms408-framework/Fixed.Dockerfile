FROM box AS build
COPY app /out

FROM box
COPY --chmod=0755 dotnet /usr/share/dotnet/dotnet
RUN mkdir -p /usr/share/dotnet/shared/Microsoft.NETCore.App/9.0.2 && ln -s /usr/share/dotnet/dotnet /bin/dotnet
WORKDIR /app
COPY --from=build /out ./
CMD ["dotnet", "app.dll"]
