import { Module } from '@nestjs/common'
import { HomeController } from './home'
import { MembersController } from './members'

@Module({ controllers: [HomeController, MembersController] })
export class AppModule {}
